INSERT INTO public.labels AS kept (customer_id, cut_off, label)
SELECT customer_id, cut_off, CASE bought WHEN 1 THEN 'buys' ELSE 'lapses' END FROM public.feature_store
ON CONFLICT (customer_id) DO UPDATE SET cut_off = excluded.cut_off, label = excluded.label
WHERE (kept.cut_off, kept.label) IS DISTINCT FROM (excluded.cut_off, excluded.label);
