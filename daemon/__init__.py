"""Sluice: a local daemon that paces, resends and explains calls to language models.

The house, top floor first (imports go downward only; tests/test_house.py holds it so):

    __main__, cli     the command line
    app               builds the parts once, opens the socket, signals, drain, reload
    doors             how calls come in: HTTP and JSON-RPC on one Unix socket
    operations        one table of control operations for both doors and the command line
    gateway           the whole story of one call
    pacing            when may it go?
    explain           what went wrong, and what now?
    providers         what differs between APIs
    upstream          the only outbound network
    journal           what happened to each call
    usage             what calls cost, and the person's own budgets
    cache             answers that are given again
    log               one line a call, or a block of its steps
    systemd           a socket that it hands over, and what it hears of us
    process           memory, limits and event loop of the process
    desktop           a notification, where the person wants that
    curl              the equivalent curl command
    config            YAML to frozen settings
    sandbox           a simulated provider
    model, spending, fallback   the nouns
    packed            compressed bodies, searched for keys
    redact, errors    secrets, and the few refusals that are ours
    arguments         what is wrong with a command line, and its help
    dimensions        what limits count, and how people say it
    quotas            the RateLimit fields of an answer
    daybreak          when a provider's days and months begin
    phrases, columns  what Sluice itself says, in each language, and how wide that is
    slips             which word was meant
    datafile, lazily  our data, quickly, and parts when they are asked for
    document          the JSON of a call, quickly
    inlet             how bytes of all connections come in
    owner             who besides the user may touch their files
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
"""True for type checkers, which know this name wherever it is from. A command that only asks the daemon takes it from
here, since to load `typing` takes a tenth of such a command."""
