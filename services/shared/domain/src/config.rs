//! The product configuration: Mattermost's tree of sections and settings, as pure rules over a JSON tree.
//!
//! Rules come from Mattermost 4.10 as observed. A tree passes through here in this order: [`defaults::complete`] gives
//! every setting a value, [`mask::unmask`] restores secrets, [`normalise::normalise`] tidies, [`validate::validate`]
//! refuses, and the result is stored. Whoever reads a stored tree applies [`environment::overlay`] and builds [`Settings`].

pub mod defaults;
mod settings;

pub use settings::Settings;
