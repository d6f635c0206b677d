//! Notices against a Bot API on a free port.
