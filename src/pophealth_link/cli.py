"""The command line: verbs that call the library and print; one exit code per class of error."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from pophealth_link.errors import RunInterruptedError, UserError, is_interruption
from pophealth_link.folders import full_disk, is_full
from pophealth_link.version import __version__

_BUG, _USAGE = 1, 2
_PATH = click.Path(path_type=Path)
_JOB = click.argument("job", type=_PATH)
_OUT = click.option("--out", type=_PATH, required=True, help="Folder to make; it must not exist.")
_QUIET = click.option("--quiet", is_flag=True, help="No progress on stderr.")


def _example(text: str) -> dict[str, str]:
    return {"epilog": f"Example:  pophealth-link {text}"}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="pophealth-link")
def cli() -> None:
    """Join GP, hospital and council records and make a baseline of mental-health need.

    Progress goes to stderr, results to stdout.
    """


@cli.command(**_example("demo --people 5000 --out demo"))
@click.option("--out", type=_PATH, default=None, help="Folder to make; left out: demo-1, -2 …")
@click.option("--people", type=int, default=30_000, show_default=True, help="Synthetic people.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the population.")
@_QUIET
def demo(out: Path | None, people: int, seed: int, quiet: bool) -> None:
    """Run the main job on the embedded example region, with synthetic people."""
    from pophealth_link.demo import run_demo
    from pophealth_link.job.progress import lines

    with lines(quiet=quiet) as progress:
        done = run_demo(out, people=people, seed=seed, progress=progress)
    click.echo(f"Report: {done.report}")


@cli.command(**_example("check job.toml"))
@_JOB
def check(job: Path) -> None:
    """Read the job, headers and contracts; report every problem at once; link nothing."""
    from pophealth_link.job.checking import check as check_job

    click.echo(check_job(job))


@cli.command(**_example("plan job.toml"))
@_JOB
@click.option("--json", "as_json", is_flag=True, help="JSON instead of tables.")
@_QUIET
def plan(job: Path, as_json: bool, quiet: bool) -> None:
    """As check; and comparisons per rule, expected time and memory, files; write nothing."""
    from pophealth_link.job import planning
    from pophealth_link.job.progress import lines

    with lines(quiet=quiet) as progress:
        planned = planning.plan(job, progress)
    click.echo(planning.as_json(planned) if as_json else planning.text(planned))
    if planned.refusal:
        raise planned.refusal


@cli.command(**_example("run job.toml --out runs/2026-04"))
@_JOB
@_OUT
@click.option("--resume", is_flag=True, help="Go on with an interrupted run of the same job.")
@_QUIET
def run(job: Path, out: Path, resume: bool, quiet: bool) -> None:
    """Run the job: link, then analyse."""
    from pophealth_link.job import runner
    from pophealth_link.job.progress import lines

    with lines(quiet=quiet) as progress:
        done = runner.run(job, out=out, resume=resume, progress=progress)
    if done.finished_before:
        click.echo(f"{out} is finished: there is nothing to resume.")
        return
    click.echo(f"Report: {done.report}")


@cli.command(**_example("link job.toml --out linked-2026"))
@_JOB
@_OUT
@_QUIET
def link(job: Path, out: Path, quiet: bool) -> None:
    """Run the linkage half alone: reads identifiers, never attributes."""
    from pophealth_link.job import runner
    from pophealth_link.job.progress import lines

    with lines(quiet=quiet) as progress:
        done = runner.link(job, out=out, progress=progress)
    click.echo(f"Linked: {done.folder / runner.LINKED}")


@cli.command(**_example("analyse job.toml --index linked-2026/linked --out runs/2026-04"))
@_JOB
@click.option("--index", type=_PATH, required=True, help="The folder `linked` of a linkage.")
@_OUT
@_QUIET
def analyse(job: Path, index: Path, out: Path, quiet: bool) -> None:
    """Run the other half alone: never reads an identifier."""
    from pophealth_link.job import runner
    from pophealth_link.job.progress import lines

    with lines(quiet=quiet) as progress:
        done = runner.analyse(job, index=index, out=out, progress=progress)
    click.echo(f"Report: {done.report}")


@cli.command(**_example("synth --people 30000 --seed 1 --preset typical --out data"))
@click.option("--people", type=int, required=True, help="On the register: 50 to 10,000,000.")
@click.option("--seed", type=int, required=True, help="The same seed gives the same bytes.")
@click.option("--preset", default="typical", show_default=True, help="easy, typical or hard.")
@_OUT
@click.option("--places", type=_PATH, default=None, help="Reference pack; left out: the example.")
@_QUIET
def synth(people: int, seed: int, preset: str, out: Path, places: Path | None, quiet: bool) -> None:
    """Make synthetic sources, their truth, and a ready job file."""
    from pophealth_link.demo import make_synthetic
    from pophealth_link.job.progress import lines

    with lines(quiet=quiet) as progress:
        job = make_synthetic(
            out, people=people, seed=seed, preset=preset, places=places, progress=progress
        )
    click.echo(f"Job: {job}")


@cli.command(**_example("score runs/2026-04/linked/person_index.parquet data/truth.parquet"))
@click.argument("links", type=_PATH)
@click.argument("truth", type=_PATH)
@click.option("--by", multiple=True, help="Column of TRUTH to score by; may be given again.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def score(links: Path, truth: Path, by: tuple[str, ...], as_json: bool) -> None:
    """Score a person index against a truth file: recall, false links, precision, F1."""
    from pophealth_link.evaluate import score_files

    click.echo(score_files(links, truth, by=by, as_json=as_json))


@cli.group(**_example("reference build --from downloads --out packs/england"))
def reference() -> None:
    """Build, verify and list reference packs."""


@reference.command("build", **_example("reference build --from downloads --out packs/england"))
@click.option("--from", "folder", type=_PATH, required=True, help="Folder of official downloads.")
@_OUT
@click.option("--name", default=None, help="Name of the pack; left out: that of the folder.")
@_QUIET
def build_pack(folder: Path, out: Path, name: str | None, quiet: bool) -> None:
    """Make a pack from official files, which are recognised by their columns."""
    from pophealth_link.job.progress import lines
    from pophealth_link.places.geometry import read_shapes, shape_columns, shape_layers
    from pophealth_link.reference import ShapeReader, build

    shapes = ShapeReader(shape_layers, shape_columns, read_shapes)
    with lines(quiet=quiet) as progress:
        built = build(folder, out, name=name, shapes=shapes, progress=progress.stage)
    click.echo(built)


@reference.command("verify", **_example("reference verify packs/england"))
@click.argument("pack", type=_PATH)
def verify_pack(pack: Path) -> None:
    """Check that nothing of a pack has changed since it was made."""
    from pophealth_link.reference import verify

    found = verify(pack)
    rows = sum(about.rows for about in found.about.values())
    click.echo(f"Unchanged: {found.name}, {len(found.tables)} tables, {rows:,} rows.")


@reference.command("list", **_example("reference list packs/england"))
@click.argument("pack", type=_PATH, required=False)
def list_pack(pack: Path | None) -> None:
    """Say what a pack holds; without PACK, what the example region holds."""
    from pophealth_link.reference import listing, load

    click.echo(listing(load(pack)))


@cli.command(**_example("compare runs/2025-04 runs/2026-04 --out change"))
@click.argument("before", type=_PATH, metavar="BASELINE_A")
@click.argument("after", type=_PATH, metavar="BASELINE_B")
@_OUT
@click.option("--area", multiple=True, help="TYPE:CODE of interest; may be given again.")
@click.option("--comparison", multiple=True, help="TYPE:CODE to compare with; again for more.")
@click.option("--bridge", type=_PATH, default=None, help="A's records counted as in B.")
@click.option("--tolerance", type=float, default=0.05, show_default=True, help="Share of people.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the permutations.")
def compare(
    before: Path,
    after: Path,
    out: Path,
    area: tuple[str, ...],
    comparison: tuple[str, ...],
    bridge: Path | None,
    tolerance: float,
    seed: int,
) -> None:
    """Compare two baselines on common footprints: change with intervals, and what else changed.

    A baseline is a run's folder, its folder `releasable` or a baseline.csv. Footprints that
    exchanged at most --tolerance of their people are taken for the same.
    """
    from pophealth_link.job import comparing

    comparing.compare(
        before,
        after,
        out=out,
        areas=area,
        comparison=comparison,
        bridge=bridge,
        tolerance=tolerance,
        seed=seed,
    )
    click.echo(f"Comparison: {out / comparing.PAGE}")


@cli.command(**_example("reconcile runs/2026-04 qof-2025-26.csv --out reconciled"))
@click.argument("run_folder", type=_PATH, metavar="RUN")
@click.argument("published", type=_PATH)
@_OUT
@click.option("--year", default=None, help="Of registers that do not say which, such as 2025/26.")
@click.option("--limit", type=float, default=5.0, show_default=True, help="In per cent.")
def reconcile(run_folder: Path, published: Path, out: Path, year: str | None, limit: float) -> None:
    """Set a run's registers and activity beside published ones; name every difference.

    PUBLISHED is a table of published counts, the registers of QOF by practice, or a reference pack
    that holds them.
    """
    from pophealth_link.job import reconciling

    made = reconciling.reconcile_run(run_folder, published, out=out, year=year, limit=limit)
    click.echo(f"Differences above {limit:g} %: {made.differing.height:,}")
    click.echo(f"Reconciliation: {out / reconciling.PAGE}")


@cli.command(**_example("describe condition_events"))
@click.argument("name", required=False, metavar="[TABLE|PRESET|indicators|CODE-LIST]")
def describe(name: str | None) -> None:
    """Show the data dictionary: a table, a preset of an extract, a code list, the indicators."""
    from pophealth_link.job.describing import describe as describe_words

    click.echo(describe_words(name))


# What a command made is whole by the time that its last words cannot be told.
_WRITTEN = "what was asked for is done, and its last words could not be written."


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with the code of what happened."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # A signal that is ignored, as under nohup, stays so.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    code = _run(argv)
    sys.exit(code or _flushed())


def _flushed() -> int:
    """Write out what is still held of stdout; return the code of a full disk where it cannot be."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python would try once more as it ends, and tell of it in a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return (
            _tell(full_disk(_WRITTEN, "ask again where the words can go.")) if is_full(error) else 0
        )
    return 0


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _run(argv: Sequence[str] | None) -> int:
    try:
        result: Any = cli.main(args=list(argv) if argv is not None else None, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return _USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return RunInterruptedError.exit_code
    except UserError as error:
        return _tell(error)
    except Exception as error:  # noqa: BLE001
        if is_interruption(error):
            click.echo("Interrupted.", err=True)
            return RunInterruptedError.exit_code
        return _tell(full_disk()) if is_full(error) else _tell_bug(error)
    return result if isinstance(result, int) else 0


def _tell(error: UserError) -> int:
    click.echo(str(error), err=True)
    return error.exit_code


def _tell_bug(error: Exception) -> int:
    """Say where an error of ours arose, without its message, which could hold a value."""
    places = [
        f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-6:]
    ]
    click.echo(
        "\n".join(
            [
                f"Bug: {type(error).__name__} in pophealth_link {__version__}.",
                *places,
                "  The message is withheld: it could hold a value from a record.",
                "  Fix:   report these lines; they name no data.",
            ]
        ),
        err=True,
    )
    return _BUG
