-- Customers who have no features at this cut-off date any more, as after a correction of the day they joined.
DELETE FROM public.labels
WHERE cut_off = %(cut_off)s::date
    AND NOT EXISTS (SELECT FROM public.feature_store WHERE feature_store.customer_id = labels.customer_id);
