//! The command line of `cargo local`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::options::{Mode, Options, Storage, services};

/// What `--help` prints.
pub const HELP: &str = "\
cargo local: the deployed templates on this machine

  --port N             HTTP on 127.0.0.1:N (default 9000; 0 for any)
  --engine-port N      DynamoDB and SQS for other programs (default 0: any)
  --data DIR           where state is kept (default .local)
  --memory             keep nothing
  --clock INSTANT      start at this instant, such as 2026-01-31T12:00:00Z
  --frozen             the clock moves only when it is told to
  --process            run the real binaries through the Lambda Runtime API
  --bin-dir DIR        where they are (default target/debug): DIR/<name> or DIR/<name>/bootstrap
  --concurrency N      processes per function at most (default 10)
  --set NAME=VALUE     a variable in every function's environment
  --parameter NAME=VALUE  a parameter of the topmost template
  --template FILE      the topmost template
  --service NAME       only this service, or those that are named so
  --sandboxes          only the sandboxes: Telegram's Bot API and the payment provider
  --public-url SERVICE=URL  with --sandboxes: a service's API, for webhooks
                       (default http://127.0.0.1:9000/<service>)
";

/// What the command line asks for.
pub enum Command {
    /// Show [`HELP`].
    Help,
    /// Start a stack.
    Stack(Box<Options>),
    /// Start the sandboxes alone.
    Sandboxes {
        /// The port; 0 for any.
        port: u16,
        /// The roots of the services' APIs.
        services: BTreeMap<String, String>,
    },
}

/// The port the front listens on unless it is told otherwise.
const PORT: u16 = 9000;

/// Reads the command line, without the program's name.
///
/// # Errors
/// Says which argument cannot be read.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut options = Options { port: PORT, ..Options::memory() };
    options.storage = Storage::Folder(PathBuf::from(".local"));
    options.secrets_from_environment = true;
    let (mut process, mut sandboxes, mut concurrency) = (false, false, 10);
    let mut folder = PathBuf::from("target/debug");
    let roots = services().into_iter().map(|(service, _)| {
        let root = format!("http://127.0.0.1:{PORT}/{service}");
        (service.to_owned(), root)
    });
    let mut roots: BTreeMap<String, String> = roots.collect();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument.clone(), None),
        };
        let mut value = || {
            let next = inline.clone().or_else(|| arguments.next());
            next.ok_or_else(|| format!("{name} needs a value"))
        };
        match name.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--port" => options.port = number(&name, &value()?)?,
            "--engine-port" => options.engine_port = number(&name, &value()?)?,
            "--data" => options.storage = Storage::Folder(value()?.into()),
            "--memory" => options.storage = Storage::Memory,
            "--clock" => options.clock = Some(number(&name, &value()?)?),
            "--frozen" => options.frozen = Some(true),
            "--process" => process = true,
            "--bin-dir" => folder = value()?.into(),
            "--concurrency" => concurrency = number(&name, &value()?)?,
            "--set" => {
                let (name, value) = pair(&value()?)?;
                options.settings.insert(name, value);
            }
            "--parameter" => {
                let (name, value) = pair(&value()?)?;
                options.parameters.insert(name, value);
            }
            "--template" => options.template = value()?.into(),
            "--service" => options.services.push(value()?),
            "--sandboxes" => sandboxes = true,
            "--public-url" => {
                let (service, url) = pair(&value()?)?;
                let root = roots.get_mut(&service);
                let root = root.ok_or_else(|| format!("there is no service {service}"))?;
                url.trim_end_matches('/').clone_into(root);
            }
            _ => return Err(format!("unknown argument {argument}; --help lists them")),
        }
    }
    if sandboxes {
        return Ok(Command::Sandboxes { port: options.port, services: roots });
    }
    if process {
        options.mode = Mode::Processes { folder, concurrency };
        options.programs = Vec::new();
    }
    Ok(Command::Stack(Box::new(options)))
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name}: {value} cannot be read"))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text} is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read() {
        let line = "--port 0 --memory --clock 2026-01-31T12:00:00Z --frozen --process \
                    --bin-dir target/lambda --set RATE_AUTH=1000/60 --set=A=b";
        let Ok(Command::Stack(options)) = parsed(line) else { panic!("not a stack") };
        assert_eq!((options.port, &options.storage), (0, &Storage::Memory));
        assert_eq!(options.settings["RATE_AUTH"], "1000/60");
        assert_eq!(options.settings["A"], "b");
        assert_eq!(options.frozen, Some(true));
        let folder = PathBuf::from("target/lambda");
        assert_eq!(options.mode, Mode::Processes { folder, concurrency: 10 });
        assert!(options.programs.is_empty());
    }

    #[test]
    fn sandboxes_are_told_where_each_service_is() {
        let line = "--sandboxes --public-url club=http://127.0.0.1:1/";
        let Ok(Command::Sandboxes { port, services }) = parsed(line) else { panic!("a stack") };
        assert_eq!((port, services["club"].as_str()), (9000, "http://127.0.0.1:1"));
    }

    #[test]
    fn the_default_keeps_its_state_and_mistakes_are_named() {
        let Ok(Command::Stack(options)) = parsed("") else { panic!("not a stack") };
        assert_eq!((options.port, &options.storage), (9000, &Storage::Folder(".local".into())));
        for (line, names) in [
            ("--port", "--port"),
            ("--port x", "--port"),
            ("--set A", "A"),
            ("--clock noon", "--clock"),
            ("--nothing", "--nothing"),
            ("--public-url market=http://127.0.0.1:1", "market"),
        ] {
            assert!(parsed(line).err().is_some_and(|error| error.contains(names)), "{line}");
        }
    }
}
