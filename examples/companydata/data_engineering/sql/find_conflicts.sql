-- Sales that came before under the same number, with other contents.
SELECT count(*), min(sale_id) FROM staged_sales JOIN public.sales AS known USING (sale_id)
WHERE (staged_sales.customer_id, staged_sales.sold_on, staged_sales.product, staged_sales.amount)
    IS DISTINCT FROM (known.customer_id, known.sold_on, known.product, known.amount);
