INSERT INTO public.sales (sale_id, customer_id, sold_on, product, amount)
SELECT sale_id, customer_id, sold_on, product, amount FROM staged_sales
ON CONFLICT (sale_id) DO NOTHING;
