//! Gamification against the embedded engine.
