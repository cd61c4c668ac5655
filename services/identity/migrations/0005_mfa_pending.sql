-- A generated secret that is not activated yet: the one in use must survive an enrolment that is never finished.
ALTER TABLE credentials ADD COLUMN mfa_pending_secret text NOT NULL DEFAULT '';
