INSERT INTO public.etl_watermarks (source, sale_id, options) VALUES (%(source)s, 0, %(options)s)
ON CONFLICT (source) DO NOTHING;
