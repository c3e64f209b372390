INSERT INTO public.etl_watermarks AS marks (source, sale_id) VALUES (%(source)s, %(sale_id)s)
ON CONFLICT (source) DO UPDATE SET sale_id = greatest(marks.sale_id, excluded.sale_id);
