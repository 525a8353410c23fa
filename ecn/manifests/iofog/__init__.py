"""Documents of Eclipse ioFog (`apiVersion: iofog.org/v3`), as the `ecn` command reads them."""
