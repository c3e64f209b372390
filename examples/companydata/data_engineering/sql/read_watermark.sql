SELECT coalesce(max(sale_id), 0) FROM public.etl_watermarks WHERE source = %(source)s;
