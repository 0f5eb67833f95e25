"""The files that a run writes, by their names in its folder."""

from __future__ import annotations

from pophealth_link.disclosure.release import MANIFEST as RELEASE_MANIFEST
from pophealth_link.job import analysing, beside, cards, linking, published, releasing, runner
from pophealth_link.job.index import CARD_FACTS
from pophealth_link.job.model import OWN_KEY, Job
from pophealth_link.need.snapshot import SNAPSHOT
from pophealth_link.schema.outputs import IMPUTED_FACTS, IMPUTED_LINKS


def files(job: Job) -> list[str]:
    """Return the files that a run of the job writes, besides those of refused rows.

    Refused rows are written into `linked/quarantine/`, a file for each input file that has any.
    """
    linked = [
        *(f"{name}.parquet" for name in (linking.INDEX, linking.PAIRS, linking.FACTS)),
        *([f"{linking.PROPERTIES}.parquet"] if job.properties else []),
        *(f"{table.name}.parquet" for table in (IMPUTED_LINKS, IMPUTED_FACTS)),
        analysing.PEOPLE_FILE,
        analysing.UNASSIGNED_FILE,
        analysing.BEST_FIT_FILE,
        analysing.PRACTICE_COUNTS_FILE,
        *([analysing.RECONCILIATION_FILE] if len(set(job.spec.footprints.basis)) > 1 else []),
        linking.MODEL,
        CARD_FACTS,
        *([] if job.spec.privacy.key_file or job.spec.privacy.key_env else [OWN_KEY]),
    ]
    releasable = [
        releasing.BASELINE,
        cards.CARD,
        cards.CARD_TEXT,
        releasing.DICTIONARY,
        releasing.REPORT,
        releasing.NEED_INDEX,
        SNAPSHOT,
        *published.names(job.read_reference()),
        *beside.names(job),
        RELEASE_MANIFEST,
    ]
    return sorted(
        [
            *(f"{runner.LINKED}/{name}" for name in linked),
            *(f"{runner.RELEASABLE}/{name}" for name in releasable),
            runner.MANIFEST,
            runner.AUDIT,
        ]
    )
