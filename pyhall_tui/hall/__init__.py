"""The embedded hall: a real HTTP registry on localhost, used only over HTTP."""
