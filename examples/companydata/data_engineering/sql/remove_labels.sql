DELETE FROM public.labels
WHERE NOT EXISTS (SELECT FROM public.feature_store WHERE feature_store.customer_id = labels.customer_id);
