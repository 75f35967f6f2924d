"""Characters for programs: pictures over HTTP."""
