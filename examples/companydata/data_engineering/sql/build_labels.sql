-- Labels of former cut-off dates stay: predictions of those dates are joined with them.
INSERT INTO public.labels AS kept (customer_id, cut_off, label)
SELECT customer_id, cut_off, CASE bought WHEN 1 THEN 'buys' ELSE 'lapses' END FROM public.feature_store
ON CONFLICT (customer_id, cut_off) DO UPDATE SET label = excluded.label
WHERE kept.label <> excluded.label;
