"""The command line: jobs from recordings, folders and manifests, run here or on several processes."""
