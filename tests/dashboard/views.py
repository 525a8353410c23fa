"""Every view there is, by a name of its own, as `populate` fills them: path and heading."""

VIEWS = {
    "overview": ("", "Overview"),
    "topology": ("topology", "Topology"),
    "timeline": ("timeline", "Timeline"),
    "deploy": ("deploy", "Deploy"),
    "nodes": ("nodes", "Nodes"),
    "applications": ("applications", "Applications"),
    "microservices": ("microservices", "Microservices"),
    "routes": ("routes", "Routes"),
    "public-ports": ("public-ports", "Public ports"),
    "routers": ("routers", "Routers"),
    "edge-resources": ("edge-resources", "Edge resources"),
    "volumes": ("volumes", "Volumes"),
    "catalog-items": ("catalog-items", "Catalog"),
    "templates": ("templates", "Templates"),
    "registries": ("registries", "Registries"),
    "network": ("network", "Network"),
    "sessions": ("sessions", "Sessions"),
    "users": ("users", "Users"),
    "master-keys": ("master-keys", "Master keys"),
}
"""Those of the navigation."""

DETAILS = {
    "node": ("nodes/berlin-1", "berlin-1"),
    "node-new": ("nodes/spare-attic", "spare-attic"),
    "node-history": ("nodes/berlin-1?tab=history", "berlin-1"),
    "application": ("applications/shop", "shop"),
    "microservice": ("microservices/shop/web", "web"),
    "microservice-failing": ("microservices/shop/payments", "payments"),
    "microservice-logs": ("microservices/shop/web?tab=logs", "web"),
    "microservice-configuration": ("microservices/shop/web?tab=configuration", "web"),
    "microservice-twin": ("microservices/shop/web?tab=twin", "web"),
    "microservice-why": ("microservices/shop/web?tab=why", "web"),
    "microservice-history": ("microservices/shop/web?tab=history", "web"),
    "route": ("routes/shop/orders", "orders"),
    "registry": ("registries/hub", "hub"),
    "template": ("templates/site", "site"),
    "edge-resource": ("edge-resources/camera@1.10.0", "camera"),
    "volume": ("volumes/hours", "hours"),
    "catalog-item": ("catalog-items/till", "till"),
}
"""Of one thing each."""

MOMENTS = {
    "overview-then": ("?at=200", "Overview"),
    "topology-then": ("topology?at=200", "Topology"),
    "application-then": ("applications/shop?at=300", "shop"),
}
"""Of the past."""

ALL = VIEWS | DETAILS | MOMENTS
