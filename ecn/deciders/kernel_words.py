"""Words that the Linux kernel and container engines know: what options may name.

Sources: capabilities(7) up to Linux 6.x, setrlimit(2), signal(7), namespaces(7); Docker Engine's
documentation for its log drivers and the sysctls that it lets a container set.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CAPABILITIES = _words(
    """
    ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN
    DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE
    MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP
    SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT
    SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM
    """
)
"""Without CAP_; ALL is the engine's word."""

USUAL_CAPABILITIES = _words(
    """
    AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID
    SETPCAP SETUID SYS_CHROOT
    """
)
"""What a container of Docker Engine has if nothing is said."""

HARMLESS_CAPABILITIES = frozenset({"IPC_LOCK", "LEASE", "NET_BROADCAST"})
"""What reaches nothing outside a container beside those: locked memory counts against its memory
limit, leases are about files that it owns, and the third is not looked at by the kernel. Not here,
though often asked for: NET_ADMIN (firewalls and interfaces, of the device itself on its own
network), SYS_NICE (real-time priority starves a device), SYS_PTRACE, SYS_TIME, SYS_RAWIO."""

ULIMITS = _words(
    """
    core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack
    """
)

LOG_DRIVERS = (
    "json-file",
    "local",
    "journald",
    "syslog",
    "none",
    "fluentd",
    "gelf",
    "awslogs",
    "gcplogs",
    "splunk",
)

SIGNALS = _words(
    """
    HUP INT QUIT ILL TRAP ABRT IOT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CLD CONT
    STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO POLL PWR SYS RTMIN RTMAX
    """
)
"""Without SIG."""

NAMESPACED_SYSCTLS = re.compile(
    r"(?:net\.[A-Za-z0-9_./-]{1,200}|kernel\.(?:shm[a-z_]{1,60}|msg[a-z_]{1,60}|sem)"
    r"|fs\.mqueue\.[a-z_]{1,60})"
)


def capability(name: str) -> str:
    """Its name as the lists here have it: CAP_NET_ADMIN and net_admin are NET_ADMIN."""
    return name.upper().removeprefix("CAP_")
