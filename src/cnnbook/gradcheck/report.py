"""What a check says: a report with one line per array, or the error of the first one that is wrong."""

from dataclasses import dataclass, field

from cnnbook.gradcheck.differences import Comparison


class GradientError(AssertionError):
    """A gradient that does not agree with the slope it claims to be; `.report` holds all the numbers."""

    def __init__(self, message: str, report: "Report"):
        super().__init__(message)
        self.report = report


@dataclass
class Report:
    """What a check found, one `Comparison` per array; printing it gives one line each."""

    subject: str
    comparisons: list[Comparison] = field(default_factory=list)

    @property
    def error(self) -> float:
        """The largest relative error of all arrays."""
        return max(c.error for c in self.comparisons)

    def __str__(self):
        return "\n".join(
            [f"{self.subject}: gradients against centred differences", *map(str, self.comparisons)]
        )

    __repr__ = __str__


def judge(comparison: Comparison, report: Report, tolerance: float, hint: str = "") -> None:
    """Raise `GradientError` for a comparison whose error is too large or which checked almost nothing."""
    if comparison.error > tolerance:
        message = (
            f"{report.subject}: d{comparison.name} is wrong. At {comparison.where} backward says "
            f"{comparison.analytic:.6g}, the slope is {comparison.numeric:.6g} "
            f"(relative error {comparison.error:.1e}, allowed {tolerance:.0e})."
        )
        raise GradientError(f"{message} {hint}".rstrip(), report)
    if comparison.kinks > comparison.checked:
        raise GradientError(
            f"{report.subject}: {comparison.kinks} of {comparison.kinks + comparison.checked} slopes of "
            f"{comparison.name} lie on a kink, too many to judge. "
            "Use inputs without ties and away from zero.",
            report,
        )
