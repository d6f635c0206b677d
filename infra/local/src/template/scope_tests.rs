use serde_json::json;

use super::*;

const TEMPLATE: &str = r"
Parameters:
  Stage: {Type: String, AllowedValues: [prod, test]}
  Limit: {Type: Number, Default: 0}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  HasLimit: !Not [!Equals [!Ref Limit, '0']]
  Both: !And [!Condition IsProd, !Condition HasLimit]
  Either: !Or [!Condition IsProd, !Condition HasLimit]
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties: {TableName: !Sub '${Stage}-club'}
  Dead:
    Type: AWS::SQS::Queue
    Properties: {QueueName: dead}
  Live:
    Type: AWS::SQS::Queue
    Condition: IsProd
    Properties:
      QueueName: live
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: f
      Reserved: !If [HasLimit, !Ref Limit, !Ref AWS::NoValue]
      List: [!If [IsProd, a, !Ref AWS::NoValue], b]
      Text: !Sub ['${Own} ${!Kept} ${Table.Arn} ${F.Alias}', {Own: !Join ['/', [x, !Ref Limit]]}]
      Part: !Select [1, !Split ['-', !Ref Table]]
";

fn names() -> Names {
    Names { queue_base: "http://127.0.0.1:1/0".into(), front: "http://127.0.0.1:9".into() }
}

fn scope<'a>(names: &'a Names, given: &[(&str, Value)]) -> Result<Scope<'a>> {
    let source = Source::parse(Path::new("t.yaml"), TEMPLATE).unwrap();
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Scope::new(source, "all", Some("club".into()), &given, names)
}

#[test]
fn intrinsics_are_resolved() {
    let names = names();
    let scope = scope(&names, &[("Stage", "test".into())]).unwrap();
    let expected = json!({
        "FunctionName": "f",
        "List": ["b"],
        "Text": "x/0 ${Kept} arn:aws:dynamodb:us-east-1:000000000000:table/test-club \
                 arn:aws:lambda:us-east-1:000000000000:function:f:live",
        "Part": "club",
    });
    assert_eq!(scope.properties("F").unwrap(), expected);
    assert_eq!(scope.reference("Dead").unwrap(), Some("http://127.0.0.1:1/0/dead".into()));
}

#[test]
fn conditions_compare_numbers_and_texts_alike_and_remove_resources() {
    let names = names();
    let test = scope(&names, &[("Stage", "test".into())]).unwrap();
    assert!(test.resources().unwrap().iter().all(|(name, _)| name != "Live"));
    let prod = scope(&names, &[("Stage", "prod".into()), ("Limit", 3.into())]).unwrap();
    assert!(prod.resources().unwrap().iter().any(|(name, _)| name == "Live"));
    assert_eq!(prod.properties("F").unwrap()["Reserved"], 3);
    assert!(prod.condition("Both").unwrap() && prod.condition("Either").unwrap());
    assert!(!test.condition("Both").unwrap() && !test.condition("Either").unwrap());
}

#[test]
fn parameters_are_checked() {
    let names = names();
    for (given, says) in [
        (vec![], "Stage"),
        (vec![("Stage", json!("dev"))], "not allowed"),
        (vec![("Stage", json!("test")), ("Other", json!(1))], "not a parameter"),
    ] {
        let error = scope(&names, &given).err().unwrap().to_string();
        assert!(error.contains(says), "{error}");
    }
}
