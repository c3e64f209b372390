INSERT INTO public.customers (customer_id, name, region, joined_on)
SELECT customer_id, name, region, joined_on FROM staged_customers
ON CONFLICT (customer_id) DO NOTHING;
