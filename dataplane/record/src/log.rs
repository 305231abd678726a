//! The macros that make a log from one definition: struct, schema, JSON and TSV writer.

/// Defines one log's record.
///
/// A field is `/// meaning`, then `name: Type`, or `name as "column.name": Type` where the column's name is no Rust
/// identifier. Columns are written in the order given.
macro_rules! log {
    (
        $(#[doc = $doc:literal])*
        $record:ident $(<$life:lifetime>)? {
            $( $(#[doc = $field_doc:literal])* $field:ident $(as $column:literal)? : $type:ty, )*
        }
        $( limited by $limit:expr )?
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone)]
        pub struct $record $(<$life>)? {
            $( $(#[doc = $field_doc])* pub $field: $type, )*
        }

        impl $(<$life>)? $record $(<$life>)? {
            /// The log's columns, in order.
            pub fn fields() -> Vec<$crate::Field> {
                let mut fields = Vec::new();
                $(
                    <$type as $crate::column::Column>::describe(
                        log!(@name $field $($column)?),
                        concat!($($field_doc),*).trim_ascii(),
                        &mut fields,
                    );
                )*
                fields
            }

            /// What the log is for.
            pub const PURPOSE: &'static str = concat!($($doc),*).trim_ascii();
        }

        impl $(<$life>)? $crate::Record for $record $(<$life>)? {
            const LOG: $crate::Log = $crate::Log::$record;

            $(
                fn limit(&self) -> $crate::Limit {
                    let limit: fn(&Self) -> $crate::Limit = $limit;
                    limit(self)
                }
            )?

            fn json_members(&self, out: &mut Vec<u8>) {
                $( $crate::column::Column::json(&self.$field, log!(@key $field $($column)?), out); )*
            }

            fn tsv_columns(&self, out: &mut Vec<u8>) {
                $( $crate::column::Column::tsv(&self.$field, out); )*
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $column:literal) => { $column };
    (@key $field:ident) => { concat!(",\"", stringify!($field), "\":") };
    (@key $field:ident $column:literal) => { concat!(",\"", $column, "\":") };
}

/// Lists every log: the module that defines it, its record and its name.
macro_rules! logs {
    ($( $module:ident :: $record:ident = $name:literal ),* $(,)?) => {
        $( mod $module; pub use $module::$record; )*

        /// A log.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Log {
            $(
                #[doc = concat!("The `", $name, "` log.")]
                $record,
            )*
        }

        impl Log {
            /// Every log.
            pub const ALL: &'static [Log] = &[$( Log::$record ),*];

            /// Its name, also the stem of its file's name.
            pub const fn name(self) -> &'static str {
                match self { $( Log::$record => $name ),* }
            }

            /// What it is for.
            pub const fn purpose(self) -> &'static str {
                match self { $( Log::$record => $record::PURPOSE ),* }
            }

            /// Its columns, in order.
            pub fn fields(self) -> Vec<$crate::Field> {
                match self { $( Log::$record => $record::fields() ),* }
            }
        }
    };
}
