-- A wish for the next certificate that is heard again is answered with the one that was given for it.
ALTER TABLE certificates ADD COLUMN pem TEXT;
