package activities

import "reflect"

// Params are what the params of activities are decoded into, for those that hold theirs to something.
var Params = map[string]reflect.Type{
	"create_entity": reflect.TypeFor[entityParams](), "update_entity": reflect.TypeFor[entityParams](), "delete_entity": reflect.TypeFor[entityParams](),
	"query_entity": reflect.TypeFor[entityParams](), "update_manifest": reflect.TypeFor[manifestParams](), "call_api": reflect.TypeFor[callParams](),
	"call_stripe": reflect.TypeFor[serviceParams](), "call_openai": reflect.TypeFor[serviceParams](), "post_webhook": reflect.TypeFor[webhookParams](),
	"send_email": reflect.TypeFor[emailParams](), "send_sms": reflect.TypeFor[smsParams](), "validate_data": reflect.TypeFor[validateParams](),
	"delay": reflect.TypeFor[delayParams](),
}

// TakeSecrets tells of each type of activity whether it takes secrets.
func (a *Activities) TakeSecrets() map[string]bool {
	all := map[string]bool{}
	for name, made := range a.actions {
		all[name] = made.secrets
	}
	return all
}
