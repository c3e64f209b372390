"""A tabular classification model as a versioned, self-verifying Python package.

Importing the package reads no file, configures no logging and loads no model.
"""

import logging

logging.getLogger(__name__).addHandler(logging.NullHandler())
