//! Rows like a help desk's: ids, times, states, names, and mail in English and Japanese. From a seed, so that
//! every run has the same.

use plugin_api::{Column, Table, Timestamp, Value};

const WORDS: &str = "the of and to in is that we for it you have with on be this not are as at can was please our your \
order account error page login invoice password customer update when after button shows message again yesterday today \
server printer network screen shipping delivery refund payment card address number product warranty replacement device \
installation license renewal subscription export import report dashboard attachment screenshot browser version mobile \
app notification email calendar sync contact team department agent ticket reply escalate manager urgent problem issue \
question request feature thanks regards hello dear sincerely kind best support help contact possible soon waiting since \
week month morning already tried restart reinstall clear cache cookies settings profile permission access denied timeout \
slow crash freeze blank white blue red light cable power adapter battery charge loud noise heat fan keyboard mouse monitor";
const PHRASES: [&str; 32] = [
    "お世話になっております。",
    "ご連絡ありがとうございます。",
    "先日注文した商品について",
    "まだ届いておりません。",
    "配送状況を確認していただけますか。",
    "ログインできない状態が続いています。",
    "パスワードを再設定しましたが",
    "エラーメッセージが表示されます。",
    "請求書の宛名を変更したいのですが",
    "お手数をおかけしますが",
    "よろしくお願いいたします。",
    "担当者に確認いたします。",
    "少々お待ちください。",
    "添付ファイルをご覧ください。",
    "プリンターが認識されません。",
    "ネットワークの設定を見直しました。",
    "返金の手続きについて",
    "契約の更新日はいつでしょうか。",
    "至急ご対応をお願いします。",
    "営業時間内に折り返しお電話ください。",
    "管理画面から出力した一覧に",
    "文字化けが発生しています。",
    "最新版に更新したところ",
    "問題は解決しました。",
    "再起動しても改善しません。",
    "別の端末では正常に動作します。",
    "保証期間内でしょうか。",
    "交換をお願いできますか。",
    "領収書を発行してください。",
    "住所が変わりました。",
    "休業日についての質問です。",
    "ありがとうございました。",
];

/// A small generator of pseudo-random numbers.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

/// A record, as an exporter has it before it writes.
pub(crate) struct Ticket {
    number: i64,
    id: String,
    subject: String,
    body: String,
    email: String,
    contact: String,
    department: &'static str,
    created: Timestamp,
    modified: Timestamp,
    status: &'static str,
    channel: &'static str,
    escalated: bool,
    hours: f64,
    rest: String,
}

impl Ticket {
    pub(crate) fn new(number: u64, words: &[&str]) -> Self {
        let mut dice = Dice::new(number + 1);
        let japanese = dice.roll(3) == 0;
        let (mut subject, mut body) = (String::new(), String::new());
        let sentence = |text: &mut String, dice: &mut Dice, length: u64| {
            for index in 0..length {
                if japanese {
                    text.push_str(PHRASES[dice.roll(32) as usize]);
                } else {
                    if index > 0 {
                        text.push(' ');
                    }
                    // The less of two rolls: some words are more common than others.
                    let word = dice.roll(words.len() as u64).min(dice.roll(words.len() as u64));
                    text.push_str(words[word as usize]);
                }
            }
        };
        let length = if japanese { 1 } else { 7 };
        sentence(&mut subject, &mut dice, length);
        body.push_str("<div class=\"mail\">");
        for _ in 0..4 + dice.roll(10) {
            body.push_str("<p style=\"margin: 0\">");
            let length = if japanese { 4 } else { 18 } + dice.roll(6);
            sentence(&mut body, &mut dice, length);
            body.push_str(".</p>\n");
        }
        body.push_str("</div>");
        let contact = dice.roll(20_000);
        let created = 1_600_000_000_000_000 + number as i64 * 317_000_000 + dice.roll(1_000) as i64 * 1000;
        Self {
            number: number as i64,
            id: format!("{}", 4_000_000_000_000 + number * 37),
            subject,
            body,
            email: format!(
                "{}.{contact}@example{}.com",
                words[contact as usize % words.len()],
                contact % 40
            ),
            contact: format!("{}", 5_000_000_000_000 + contact * 41),
            department: ["100000000000001", "100000000000002", "100000000000003"][dice.roll(3) as usize],
            created: Timestamp::from_micros(created),
            modified: Timestamp::from_micros(created + dice.roll(1 << 40) as i64 / 1000 * 1000),
            status: ["Open", "Closed", "On Hold", "Escalated"][dice.roll(4) as usize],
            channel: ["Email", "Web", "Phone", "Chat"][dice.roll(4) as usize],
            escalated: dice.roll(10) == 0,
            hours: dice.roll(4000) as f64 / 8.0,
            rest: format!(
                "{{\"cf_serial\":\"{:08x}\",\"webUrl\":\"https://desk.example.com/t/{number}\"}}",
                dice.roll(1 << 32)
            ),
        }
    }

    pub(crate) fn row(&self) -> [Value<'_>; 20] {
        [
            Value::Text(&self.id),
            Value::Int(self.number),
            Value::Text(self.department),
            Value::Text(&self.contact),
            Value::Text(&self.email),
            Value::Null,
            Value::Text(&self.subject),
            Value::Text(&self.body),
            Value::Text(self.status),
            Value::Null,
            Value::Text("300000000000017"),
            Value::Time(self.created),
            Value::Time(self.modified),
            Value::Text(self.channel),
            Value::Null,
            Value::Bool(self.escalated),
            Value::Float(self.hours),
            Value::Null,
            Value::Text(""),
            Value::Json(&self.rest),
        ]
    }
}

/// This many tickets.
pub(crate) fn tickets(count: u64) -> Vec<Ticket> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    (0..count).map(|number| Ticket::new(number, &words)).collect()
}

/// Their table.
pub(crate) fn table(name: &str) -> Table {
    Table::new(name)
        .columns((0..20).map(|number| match number {
            0 => Column::new("id", "Ticket Id"),
            other => Column::new(format!("column{other}"), format!("Column {other}")),
        }))
        .key(["id"])
}
