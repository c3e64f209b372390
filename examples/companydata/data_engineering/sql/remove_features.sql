-- Customers who are not of this cut-off date, as after it was moved back.
DELETE FROM public.feature_store USING public.customers
WHERE feature_store.customer_id = customers.customer_id AND joined_on >= %(cut_off)s::date;
