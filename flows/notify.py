"""One message a run to whoever must know: a line in a log file, and by Apprise to mail, chat or a webhook."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from warehouse.alarms import Alarm
from warehouse.retention import turn
from warehouse.settings import Settings

LOG = "alarms.log"


@dataclass(frozen=True)
class Message:
    """The news of one run, grouped.

    `decided`: what it changed or advises by itself; `still`: alarms that were open before and are, not told again.
    """

    run_id: str
    now: datetime
    raised: list[Alarm]
    recovered: list[Alarm]
    still: int = 0
    decided: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        worst = "critical" if any(alarm.severity == "critical" for alarm in self.raised) else "warning"
        parts = [f"{len(self.raised)} new ({worst})"] if self.raised else []
        parts += [f"{len(self.recovered)} recovered"] if self.recovered else []
        parts += [f"{len(self.decided)} decided"] if self.decided else []
        return f"skyduck {self.now:%Y-%m-%d %H:%M} UTC: {', '.join(parts)}"

    @property
    def body(self) -> str:
        lines = [f"{each.severity.upper()} {each.what}\n  → {each.next_step}" for each in self.raised]
        lines += [f"RECOVERED {each.what}" for each in self.recovered]
        lines += [f"DECIDED {each}" for each in self.decided]
        if self.still:
            lines.append("1 more is open as before" if self.still == 1 else f"{self.still} more are open as before")
        return "\n".join([*lines, f"Run {self.run_id}"])


def send(settings: Settings, message: Message) -> list[str]:
    """Writes the log and notifies SKYDUCK_NOTIFY; gives what could not be told, without addresses."""
    failed = []
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        turn(settings.data_dir / LOG)
        with (settings.data_dir / LOG).open("a", encoding="utf-8") as log:
            log.write(f"{message.title}\n{message.body}\n\n")
    except OSError as error:
        failed.append(f"the alarms are not in {LOG}: {error.strerror}")
    if settings.notify is None:
        return failed
    import apprise

    for number, address in enumerate(settings.notify.get_secret_value().split(), start=1):
        one = apprise.Apprise()
        sort = apprise.NotifyType.WARNING if message.raised else apprise.NotifyType.SUCCESS
        if not one.add(address) or not one.notify(title=message.title, body=message.body, notify_type=sort):
            kind = address.split(":")[0][:20]
            failed.append(f"the alarms were not told by address {number} of SKYDUCK_NOTIFY ({kind}): see {LOG}")
    return failed
