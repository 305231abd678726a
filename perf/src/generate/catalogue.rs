//! What flows are drawn from: the models of a mix, or templates, each by its weight.

use std::sync::Arc;

use super::addresses::{Addresses, Servers};
use super::application::{Application, Models};
use super::flow::{Content, Start};
use super::random::Random;
use super::template::Template;

/// The servers of templates.
const SERVERS: Servers = Servers { first: 0, count: 60_000 };

/// Something to draw.
#[derive(Debug)]
enum Item {
    Application(Application),
    Template(Template),
}

/// Everything that flows are of.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    items: Vec<Item>,
    /// Sums of the weights up to each item.
    sums: Vec<f64>,
}

impl Catalogue {
    /// Of a mix.
    pub(crate) fn of_applications(entries: &[(Application, f64)]) -> Self {
        let mut catalogue = Self::default();
        for (application, weight) in entries {
            catalogue.add(Item::Application(*application), *weight);
        }
        catalogue
    }

    /// Of templates.
    pub(crate) fn of_templates(templates: Vec<Template>) -> Self {
        let mut catalogue = Self::default();
        for template in templates {
            let weight = template.weight;
            catalogue.add(Item::Template(template), weight);
        }
        catalogue
    }

    /// Adds SYNs that nobody answers, as a share of all flows then (below 1).
    pub(crate) fn add_unanswered(&mut self, share: f64) {
        if share > 0.0 {
            let all = self.sums.last().copied().unwrap_or(0.0);
            self.add(Item::Application(Application::Unanswered), all * share / (1.0 - share));
        }
    }

    fn add(&mut self, item: Item, weight: f64) {
        let all = self.sums.last().copied().unwrap_or(0.0);
        self.items.push(item);
        self.sums.push(all + weight);
    }

    /// Draws what begins next: one flow, or all of a template.
    pub(crate) fn draw(
        &self,
        random: &mut Random,
        addresses: &mut Addresses,
        models: &Models,
        starts: &mut Vec<Start>,
    ) {
        let all = self.sums.last().copied().unwrap_or(0.0);
        let point = random.unit() * all;
        let index = self.sums.partition_point(|sum| *sum <= point);
        match self.items.get(index) {
            Some(Item::Application(application)) => starts.push(application.flow(random, addresses, models)),
            Some(Item::Template(template)) => {
                for flow in &template.flows {
                    let assignment = addresses.dial(random, SERVERS, flow.port, flow.is_v6);
                    let content = Content::template(Arc::clone(flow), random);
                    starts.push(Start { assignment, content, after: flow.after });
                }
            }
            None => {}
        }
    }
}
