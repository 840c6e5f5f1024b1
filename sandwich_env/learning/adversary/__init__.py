"""B: a network trained so that following its advice loses, while a weak player sees nothing wrong."""
