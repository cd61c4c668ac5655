-- A person's unread mentions in all channels: the number on the icon of a mobile app.
CREATE INDEX read_states_user ON read_states (user_id);
