//! The mail server and the looks of mails, as they are given on the command line.

use std::sync::Arc;

use jiff::tz::TimeZone;
use matricula_notice::{AutomationLink, Brand, Mail, Mailer, SmtpSettings, Writer};
use zeroize::Zeroizing;

use crate::args::MailArgs;
use crate::exit::Exit;
use crate::fault::Fault;

/// Names the variable that holds the password of the mail server.
const PASSWORD: &str = "MATRICULA_SMTP_PASSWORD";

/// None if no mail server was given.
pub(crate) fn mailer(args: &MailArgs) -> Result<Option<Arc<dyn Mail>>, Fault> {
    let Some(address) = &args.smtp else {
        return Ok(None);
    };
    let wrong = |error: &dyn std::fmt::Display| Fault::usage(error.to_string());
    let mut settings =
        SmtpSettings::parse(address, &args.mail_from).map_err(|error| wrong(&error))?;
    if let Ok(password) = std::env::var(PASSWORD) {
        settings = settings.with_password(Zeroizing::new(password));
    }
    if let Some(file) = &args.smtp_certificate {
        let pem = std::fs::read_to_string(file)
            .map_err(|error| Fault::usage(format!("{} cannot be read: {error}", file.display())))?;
        settings.root_certificate = Some(pem);
    }
    let mailer = Mailer::new(settings).map_err(|error| wrong(&error))?;
    Ok(Some(Arc::new(mailer)))
}

/// Writes mails as the operator wants them to look.
pub(crate) fn writer(args: &MailArgs) -> Result<Writer, Fault> {
    let zone = TimeZone::get(&args.mail_time_zone)
        .map_err(|_| Fault::usage(format!("there is no time zone \"{}\"", args.mail_time_zone)))?;
    let link = args.link.as_deref().map(AutomationLink::parse).transpose();
    let brand = Brand {
        link: link.map_err(|error| Fault::usage(error.to_string()))?,
        ..Brand::default()
    };
    Writer::new(brand, zone).map_err(|error| Fault::new(Exit::Unexpected, "mail.templates", error))
}
