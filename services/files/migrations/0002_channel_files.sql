-- What is removed with a channel.
CREATE INDEX files_by_channel ON files (channel_id) WHERE channel_id <> '';
CREATE INDEX files_by_post_channel ON files (post_channel_id) WHERE post_channel_id <> '';
