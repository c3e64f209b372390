UPDATE public.etl_watermarks SET sale_id = newest.sale_id, sold_on = newest.sold_on
FROM (SELECT sale_id, sold_on FROM staged_sales ORDER BY sale_id DESC LIMIT 1) AS newest
WHERE source = %(source)s AND newest.sale_id > etl_watermarks.sale_id;
