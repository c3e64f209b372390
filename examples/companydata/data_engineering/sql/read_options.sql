SELECT options FROM public.etl_watermarks WHERE source = %(source)s;
