//! The seven categories.

use std::fmt;

/// What kind of job it is. Orders keep it by its name, which is also what people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// Plumbing.
    Plumbing,
    /// Electrics.
    Electrics,
    /// Repairs at home.
    Repairs,
    /// Cleaning.
    Cleaning,
    /// Assembly and installation.
    Assembly,
    /// Domestic appliances.
    Appliances,
    /// Anything else.
    Other,
}

impl Category {
    /// All of them, in the order that people see.
    pub const ALL: [Self; 7] = [
        Self::Plumbing,
        Self::Electrics,
        Self::Repairs,
        Self::Cleaning,
        Self::Assembly,
        Self::Appliances,
        Self::Other,
    ];

    /// Its name on the wire, in the table and in notices.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plumbing => "Сантехника",
            Self::Electrics => "Электрика",
            Self::Repairs => "Бытовой ремонт",
            Self::Cleaning => "Клининг",
            Self::Assembly => "Сборка/установка",
            Self::Appliances => "Бытовая техника",
            Self::Other => "Другое",
        }
    }

    /// The category of exactly this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }

    /// What is said of a name that is none of the seven.
    #[must_use]
    pub fn complaint() -> String {
        format!("Category must be one of: {}", Self::ALL.map(Self::name).join(", "))
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_known_by_its_exact_name() {
        for category in Category::ALL {
            assert_eq!(Category::parse(category.name()), Some(category));
            assert_eq!(Category::parse(&category.name().to_lowercase()), None);
        }
        assert_eq!(Category::parse("Такси"), None);
        assert_eq!(
            Category::complaint(),
            "Category must be one of: Сантехника, Электрика, Бытовой ремонт, Клининг, \
             Сборка/установка, Бытовая техника, Другое"
        );
    }
}
