"""Certificate of what a version may answer without a person, from the labelled rows that judge it."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from analysis.live_monitor import MonitoredLoss, key_of
from analysis.metrics.risk_control.certificate import (
    CertificateRule,
    InForce,
    ResolutionCertificate,
    VoidReason,
    audit_rows,
    certify,
    is_void,
)
from analysis.samples import EvaluationSample

RULE = CertificateRule()


class CertifiedShare(Struct, frozen=True):
    """What a report stores. certificate: None where `why` says why there can be none."""

    certificate: ResolutionCertificate | None
    why: str = ""

    @property
    def threshold(self) -> float | None:
        """The confidence from which on the version may answer alone."""
        return self.certificate.thresholds[0].threshold if self.certificate else None


def certified_share(sample: EvaluationSample, *, monitor: str, at: datetime) -> CertifiedShare:
    """The certificate of all labelled rows of a version, void with another monitor than that of this key.

    Kinds without classes and answers without scores have none.
    """
    codes = sample.codes
    if codes is None:
        return CertifiedShare(None, "Answers of this kind have no confidence.")
    if not len(sample):
        return CertifiedShare(None, "No labelled items yet.")
    if codes.probabilities is None:
        return CertifiedShare(None, "Some of the labelled answers came without scores.")
    rows = audit_rows(
        [str(pk) for pk in sample.item_ids.tolist()],
        codes.confidence,
        1 - sample.score,
        sample.inclusion_probability,
        groups=sample.groups,
    )
    made = certify(rows, RULE, model_version=sample.version, monitor=monitor, created=at.timestamp())
    return CertifiedShare(made)


def why_void(found: CertifiedShare, watched: Sequence[MonitoredLoss], *, serves: str) -> VoidReason | None:
    """Why the certificate does not hold now; None where it does, and where there is none. An alarm of any that is
    watched voids it."""
    if found.certificate is None:
        return None
    thresholds = tuple(one.threshold for one in found.certificate.thresholds)
    return is_void(found.certificate, InForce(serves, thresholds, key_of(watched), any(one.alarmed for one in watched)))
