-- The tables, made by their owner. Run by an administrator in companydata, as often as you like; see 3_schema.sql.
SET ROLE de_user;

CREATE TABLE IF NOT EXISTS public.customers (
    customer_id bigint PRIMARY KEY CHECK (customer_id > 0),
    name text NOT NULL CHECK (name <> ''),
    region text NOT NULL CHECK (region <> ''),
    joined_on date NOT NULL CHECK (isfinite(joined_on))
);

CREATE TABLE IF NOT EXISTS public.sales (
    sale_id bigint PRIMARY KEY CHECK (sale_id > 0),
    customer_id bigint NOT NULL REFERENCES public.customers,
    sold_on date NOT NULL CHECK (isfinite(sold_on)),
    product text NOT NULL CHECK (product <> ''),
    amount numeric(12, 2) NOT NULL CHECK (amount > 0 AND amount <> 'NaN') -- to PostgreSQL, NaN is above all numbers
);
CREATE INDEX IF NOT EXISTS sales_of_customer ON public.sales (customer_id, sold_on);

-- A row for each customer who had joined before the cut-off date. The four features look back from it; the target
-- looks at the days after it.
CREATE TABLE IF NOT EXISTS public.feature_store (
    customer_id bigint PRIMARY KEY REFERENCES public.customers,
    cut_off date NOT NULL,
    recency_days integer CHECK (recency_days > 0), -- since the last purchase; NULL for who never bought
    frequency integer NOT NULL CHECK (frequency >= 0), -- purchases
    monetary numeric(14, 2) NOT NULL CHECK (monetary >= 0), -- value of all purchases
    tenure_days integer NOT NULL CHECK (tenure_days > 0), -- since the customer joined
    bought smallint NOT NULL CHECK (bought IN (0, 1)),
    -- The key of a prediction of this row, such as 7@2025-10-02. PostgreSQL allows no cast of a date to text here.
    prediction_key text NOT NULL GENERATED ALWAYS AS (
        customer_id::text || '@' || extract(year FROM cut_off)::integer::text
        || '-' || lpad(extract(month FROM cut_off)::integer::text, 2, '0')
        || '-' || lpad(extract(day FROM cut_off)::integer::text, 2, '0')
    ) STORED,
    CONSTRAINT recency_is_of_a_purchase CHECK ((recency_days IS NULL) = (frequency = 0))
);

-- What became of each customer after each cut-off date, in the words of the model's classes. The application joins it
-- with its predictions by prediction_key, so that a label of one period never meets a prediction of another.
CREATE TABLE IF NOT EXISTS public.labels (
    customer_id bigint NOT NULL REFERENCES public.customers,
    cut_off date NOT NULL,
    label text NOT NULL CHECK (label IN ('lapses', 'buys')),
    prediction_key text NOT NULL GENERATED ALWAYS AS (
        customer_id::text || '@' || extract(year FROM cut_off)::integer::text
        || '-' || lpad(extract(month FROM cut_off)::integer::text, 2, '0')
        || '-' || lpad(extract(day FROM cut_off)::integer::text, 2, '0')
    ) STORED,
    PRIMARY KEY (customer_id, cut_off)
);

-- The three tables of `classification-model log ship`. They have no foreign keys, because the log is the truth: a
-- record that fits no customer is shipped too, and does not stop those after it.
CREATE TABLE IF NOT EXISTS public.predictions (
    prediction_id uuid PRIMARY KEY,
    "timestamp" timestamptz NOT NULL,
    model text NOT NULL,
    version text NOT NULL,
    "index" text, -- the caller's key: prediction_key of feature_store and labels
    prediction text NOT NULL,
    probabilities jsonb NOT NULL,
    features jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS predictions_of_key ON public.predictions ("index");
CREATE TABLE IF NOT EXISTS public.predictions_labels (
    prediction_id uuid NOT NULL,
    "timestamp" timestamptz NOT NULL,
    label text NOT NULL,
    source text
);
CREATE TABLE IF NOT EXISTS public.predictions_shipped (
    file text PRIMARY KEY,
    shipped bigint NOT NULL CHECK (shipped >= 0)
);

-- The sale and the day up to which everything of a source was loaded, and the options of its first load.
CREATE TABLE IF NOT EXISTS public.etl_watermarks (
    source text PRIMARY KEY,
    sale_id bigint NOT NULL CHECK (sale_id >= 0),
    sold_on date,
    options jsonb NOT NULL DEFAULT '{}'
);

RESET ROLE;
