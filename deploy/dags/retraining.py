"""Retrain a classification model on a schedule: process its table, check its log, and retrain it if the check says yes.

Each task is a call of `classification-model`, which is installed in an environment of its own, away from Airflow. The
Airflow variables below, such as `retraining_store`, say where things are; by default, all of them are in one folder.
Only `retrain` changes the store: it promotes the new model if it is better, or if it is the first one.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Variable

FOLDER = "/srv/classification-model"


def variable(name: str, default: str) -> str:
    """Return a template of an Airflow variable, which is read when a task runs, not when this file is parsed."""
    return f"{{{{ var.value.get('retraining_{name}', '{default}') }}}}"


# The commands get these values by the environment, and quote them: no value is ever read as shell.
SETTINGS = {
    "COMMAND": variable("command", f"{FOLDER}/.venv/bin/classification-model"),
    "CONFIG": variable("config", f"{FOLDER}/config.yml"),
    "SOURCE": variable("source", ""),  # the raw table; empty for data.source of the config
    "DROP_BAD_ROWS": variable("drop_bad_rows", ""),  # anything, to leave out rows that break a rule, and count them
    "LOG": variable("log", f"{FOLDER}/log"),
    "STORE": variable("store", f"{FOLDER}/store"),
    "PROCESSED": variable("processed", f"{FOLDER}/processed"),
    # The end of the data interval; a manual run, which may have no interval, has this time too.
    "INTERVAL": "{{ dag_run.run_after | ts_nodash }}",
}

with DAG(
    "retraining",
    description="Process the table, check the log, and retrain the model if it needs it",
    doc_md=__doc__,
    schedule=Variable.get("retraining_schedule", default="15 3 * * *"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "env": SETTINGS,
        "append_env": True,
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
    },
):
    process_data = BashOperator(
        task_id="process_data",
        bash_command="""
            mkdir -p -- "$PROCESSED" &&
            "$COMMAND" process --config "$CONFIG" ${SOURCE:+--source "$SOURCE"} ${DROP_BAD_ROWS:+--drop-bad-rows} \
                --output "$PROCESSED/$INTERVAL.parquet"
        """,
    )
    retrain_check = BashOperator(
        task_id="retrain_check",
        bash_command="""
            "$COMMAND" retrain-check --log "$LOG" --store "$STORE" --exit-code
            case $? in
                10) exit 0 ;;       # yes: go on
                0 | 20) exit 99 ;;  # no, wait: skip this task and the next one
                *) exit 1 ;;        # an error: fail
            esac
        """,
        skip_on_exit_code=99,
    )
    retrain = BashOperator(
        task_id="retrain",
        bash_command="""
            "$COMMAND" retrain --config "$CONFIG" --source "$PROCESSED/$INTERVAL.parquet" --log "$LOG" --store "$STORE"
        """,
    )

    process_data >> retrain_check >> retrain
