"""Print the API's description as OpenAPI, from which the page's types are made."""

import json
import sys

from runwright.server.app import describe

json.dump(describe(), sys.stdout, default=str, indent=1, sort_keys=True)
