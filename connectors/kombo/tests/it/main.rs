//! The connector against recorded answers, through the trait that the component exports.

#[cfg(test)]
mod checking;
#[cfg(test)]
mod manifest;
#[cfg(test)]
mod options;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod support;
#[cfg(test)]
mod uploading;
