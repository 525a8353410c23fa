"""The edge proxy: connections from interior proxies to this node's public ports."""
