"""From slides to bags: encoders, the store of features and its dialects, and the job that embeds a folder of slides."""
