//! The password policy.

/// Bytes a password has at least, whatever the settings say.
pub const PASSWORD_MIN: usize = 5;
/// Bytes a password has at most.
pub const PASSWORD_MAX: usize = 64;

const SYMBOLS: &str = " !\"\\#$%&'()*+,-./:;<=>?@[]^_`|~{}";

/// `PasswordSettings` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordSettings {
    pub minimum_length: usize,
    pub lowercase: bool,
    pub uppercase: bool,
    pub number: bool,
    pub symbol: bool,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self { minimum_length: PASSWORD_MIN, lowercase: false, uppercase: false, number: false, symbol: false }
    }
}

/// The password breaks the policy, which demands this much; the error's id names every class demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordFault(pub PasswordSettings);

impl PasswordSettings {
    /// Whether a password may be set under these settings.
    pub fn check(mut self, password: &str) -> Result<(), PasswordFault> {
        self.minimum_length = self.minimum_length.clamp(PASSWORD_MIN, PASSWORD_MAX);
        let has = |class: fn(char) -> bool| password.chars().any(class);
        let fits = (self.minimum_length..=PASSWORD_MAX).contains(&password.len())
            && (!self.lowercase || has(|c| c.is_ascii_lowercase()))
            && (!self.uppercase || has(|c| c.is_ascii_uppercase()))
            && (!self.number || has(|c| c.is_ascii_digit()))
            && (!self.symbol || has(|c| SYMBOLS.contains(c)));
        if fits { Ok(()) } else { Err(PasswordFault(self)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_to_sixty_four_bytes_and_the_classes_asked_for() {
        let any = PasswordSettings::default();
        let strict = PasswordSettings { minimum_length: 8, lowercase: true, uppercase: true, number: true, symbol: true };
        for (settings, password, good) in [
            (any, "12345", true),
            (any, "1234", false),
            (any, "ää1", true),
            (any, &"x".repeat(64), true),
            (any, &"x".repeat(65), false),
            (PasswordSettings { minimum_length: 0, ..any }, "1234", false),
            (strict, "aB3!aB3!", true),
            (strict, "aB3!", false),
            (strict, "ab3!ab3!", false),
            (strict, "aB!!aB!!", false),
            (strict, "aB33aB33", false),
            (strict, "AB3!AB3!", false),
        ] {
            assert_eq!(settings.check(password).is_ok(), good, "{password}");
        }
    }
}
