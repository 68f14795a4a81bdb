"""The time of what rules have allowed, by the server's clock."""


def step() -> str:
    """Since this version: used rates have the server's time, whichever version of hall writes them."""
    return """
CREATE FUNCTION rates_timed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.wall := extract(epoch FROM clock_timestamp());
  RETURN NEW;
END $$;
CREATE TRIGGER rates_timed BEFORE INSERT OR UPDATE ON rates FOR EACH ROW EXECUTE FUNCTION rates_timed();
"""
