SELECT max(sold_on) FROM public.sales;
