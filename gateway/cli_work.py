"""`corridor work`: a worker for bulk payloads, on this machine or another one."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from gateway.show import told

DeploymentOption = Annotated[
    Path, typer.Option("--deployment", "-d", help="Folder of the deployment.", file_okay=False)
]
Processes = Annotated[
    int, typer.Option("--processes", min=0, max=64, help="0: one for each core.", show_default=True)
]


@told
def work(deployment: DeploymentOption, processes: Processes = 0) -> None:
    """Work on parts of large payloads that gateways put into NATS (`bulk.engine = "nats"`).

    It needs the deployment's files and keys, and no access to the log. Stopped with SIGTERM, it
    ends what it has begun; killed, it leaves that to the next.
    """
    from gateway import journal

    journal.configure()
    asyncio.run(_work(deployment, processes))


async def _work(directory: Path, processes: int) -> None:
    import os

    from gateway import journal
    from gateway.bulk.engine import LocalEngine
    from gateway.bulk.nats_engine import nats_of
    from gateway.bulk.nats_worker import work as serve
    from gateway.deployment import read_deployment, read_keys

    nats = nats_of(read_deployment(directory))
    read_keys(directory)  # what is missing is said here, once, and not by each process
    engine = LocalEngine(directory, processes or len(os.sched_getaffinity(0)))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    journal.say("working", processes=engine.width)
    try:
        await serve(nats, engine, stop)
    finally:
        await engine.close()
