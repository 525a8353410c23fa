"""What may be asked of the network: imperative, with all ids, times and chance filled in."""

from ecn.commands.together import SingleCommand, Together

AnyCommand = SingleCommand | Together
