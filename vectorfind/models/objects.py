"""Own generators and scorers, named on the command line as MODULE:OBJECT.

Naming a module runs it: this is for the user's own code, which is looked for in the current folder
and wherever Python looks. No file of weights can name one.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from functools import cache

from property_cnn.common.errors import InputError

_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def is_object_name(given: object) -> bool:
    """Whether a generator's or scorer's name is MODULE:OBJECT; a file of that name comes first."""
    return isinstance(given, str) and bool(_NAME.fullmatch(given)) and not os.path.exists(given)


@cache
def named_object(name: str) -> object:
    """The object of a name, imported; made by calling it where it is a class or makes one.

    Args:
        name: MODULE:OBJECT, as `my_networks:Scorer`. Without a protocol's attributes of its own it
            is called without arguments, once.

    Raises:
        InputError: there is no such module or object, or the module or the call fails.
    """
    module, _, attribute = name.partition(":")
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        found = getattr(importlib.import_module(module), attribute)
        whole = hasattr(found, "properties") or hasattr(found, "synthesize")
        return found() if isinstance(found, type) or not whole else found
    except AttributeError as error:
        if hasattr(sys.modules.get(module), attribute):
            raise InputError(f"{name} fails: {_said(error)}") from error
        raise InputError(f"the module {module} has no {attribute}; give MODULE:OBJECT") from error
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise InputError(f"{name} fails: {_said(error)}") from error
        raise InputError(
            f"no module {module} in {folder} or where Python looks; give MODULE:OBJECT"
        ) from error
    except Exception as error:  # whatever the user's code raises
        raise InputError(f"{name} fails: {_said(error)}") from error
    finally:
        sys.path.remove(folder)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}"
