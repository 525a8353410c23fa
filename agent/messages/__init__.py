"""The edge router: messages of this node's microservices, kept until they are where they belong."""
